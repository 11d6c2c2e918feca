import guide from '../../../../docs/guide-verify.md?raw';
import { API_ROOT } from '../../api/http';
import type { SigningScheme } from '../../api/types';
import { texts } from '../../texts';
import { AnchorButton } from '../../ui/button';
import { CodeBlock } from '../../ui/copy';
import { Card } from '../../ui/layout';
import { Tabs } from '../../ui/tabs';
import { verifiedBy } from './verified-by';

const words = texts.webhooks.verify;

interface Snippet {
  language: string;
  code: string;
}

/** The first block of code of each section below that heading: the guide is the one source of snippets. */
function snippetsBelow(heading: string): Snippet[] {
  const [, chapter = ''] = guide.split(`\n## ${heading}\n`);
  const [body = ''] = chapter.split('\n## ', 1);
  return [...body.matchAll(/^### (.+)\n[^]*?^```\w+\n([^]*?)^```$/gm)].map(
    ([, language = '', code = '']) => ({ language, code: code.trimEnd() }),
  );
}

const HEX = snippetsBelow('In your language');
const STANDARD = snippetsBelow('Standard Webhooks');
const ED25519 = snippetsBelow('Ed25519');

function snippetsFor(signing: readonly SigningScheme[]): Snippet[] {
  if (signing.includes('hex')) return HEX;
  return verifiedBy(signing) === 'publicKey' ? ED25519 : STANDARD;
}

/** How a receiver verifies what this webhook sends. */
export function VerifySnippets({
  signing,
}: {
  signing: readonly SigningScheme[];
}): React.ReactNode {
  return (
    <Card
      title={words.title}
      lead={texts.webhooks.verifiedBy[verifiedBy(signing)].how}
      actions={
        <AnchorButton
          size="small"
          href={`${API_ROOT}docs/guide-verify.md`}
          target="_blank"
          rel="noreferrer"
          icon="external"
        >
          {words.guide}
        </AnchorButton>
      }
    >
      <Tabs
        label={words.title}
        tabs={snippetsFor(signing).map(({ language, code }) => ({
          value: language,
          label: language,
          content: <CodeBlock label={words.code(language)} code={code} />,
        }))}
      />
    </Card>
  );
}
