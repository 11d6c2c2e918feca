import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parseEnv } from 'node:util';
import { loadConfig, ROLES } from '../../../src/config/config';
import { settings } from '../../../src/config/settings';
import { problemsOf, required } from '../../support/settings';

/** A setting as it is documented; the default `''` where there is none. */
interface Documented {
  name: string;
  default: string;
  meaning: string;
}

describe('the documentation of the settings', () => {
  const root = path.resolve(__dirname, '../../..');
  const envExample = readFileSync(path.join(root, '.env.example'), 'utf8');
  const actual: Documented[] = Object.entries(settings.shape).map(([name, schema]) => ({
    name,
    default: String(schema.safeParse(undefined).data ?? ''),
    meaning: schema.description!,
  }));

  it('.env.example has every setting in order, with its default and meaning', () => {
    const paragraphs = envExample.split('\n\n').slice(1);
    const documented = paragraphs.map((paragraph) => {
      const [[name, value] = []] = Object.entries(parseEnv(paragraph));
      return { name, default: value, meaning: paragraph.split('\n')[0]!.replace('# ', '') };
    });
    expect(documented).toEqual(actual);
  });

  it('.env.example marks what a role can not do without', () => {
    const marked = [...envExample.matchAll(/^# REQUIRED\n(\w+)=$/gm)].map(([, name]) => name);
    const needed = ROLES.flatMap((role) => problemsOf({}, role)).map((text) => text.split(' ')[0]);
    expect(new Set(marked)).toEqual(new Set(needed));
  });

  it('.env.example starts every role once the required settings are filled in', () => {
    for (const role of ROLES) {
      expect(loadConfig(role, { ...parseEnv(envExample), ...required })).toEqual(
        loadConfig(role, required),
      );
    }
  });

  it('docs/configuration.md is what "npm run configuration" writes', () => {
    const { pageOf } = jest.requireActual<{ pageOf: (shape: object) => string }>(
      '../../../scripts/configuration/page.cjs',
    );
    const page = readFileSync(path.join(root, 'docs/configuration.md'), 'utf8');
    expect(page).toBe(pageOf(settings.shape));
    for (const { name } of actual) expect(page).toContain(`\n| \`${name}\` `);
  });
});
