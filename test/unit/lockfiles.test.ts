import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

interface LockedPackage {
  link?: boolean;
  integrity?: string;
}

const root = path.resolve(__dirname, '../..');
const lockfiles = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter(
  (file) =>
    path.basename(file) === 'package-lock.json' && !file.split(path.sep).includes('node_modules'),
);

it('checks the lockfiles of Posthorn and of its client', () => {
  expect(lockfiles).toEqual(
    expect.arrayContaining(['package-lock.json', 'clients/typescript/package-lock.json']),
  );
});

it.each(lockfiles)('every package in %s has its integrity hash', (file) => {
  const { packages } = JSON.parse(readFileSync(path.join(root, file), 'utf8')) as {
    packages: Record<string, LockedPackage>;
  };
  const installed = Object.entries(packages).filter(([name, { link }]) => name !== '' && !link);
  expect(installed.length).toBeGreaterThan(0);
  const without = installed.filter(([, { integrity }]) => !integrity?.startsWith('sha512-'));
  expect(without.map(([name]) => name)).toEqual([]);
});
