import { useState } from 'react';
import type { Attempt } from '../../api/types';
import { texts } from '../../texts';
import { CodeBlock } from '../../ui/copy';
import { Select } from '../../ui/field';
import { inert } from '../../ui/inert';
import { Notice, Stack } from '../../ui/layout';
import { prettyJson } from '../../ui/pretty-json';
import { Tabs } from '../../ui/tabs';
import { outcomeOf } from '../deliveries/answer';
import { remedyOf } from './remedy';
import styles from './delivery.module.css';

const words = texts.deliveries.one;

/** Why an attempt failed, in a sentence; what helps; and what was said in full. */
export function Exchange({
  attempt,
  isExplained,
  requestBody,
  isExpunged,
  trouble,
}: {
  /** undefined: none was made yet. */
  attempt: Attempt | undefined;
  /** Why it failed, and what helps, is said above. */
  isExplained: boolean;
  /** null: it was deleted; undefined: it is not there yet. */
  requestBody: string | null | undefined;
  /** The payload was deleted for good, and with it the answers, which may repeat it. */
  isExpunged: boolean;
  /** Why the payload could not be loaded; null: it is there, or on its way. */
  trouble: React.ReactNode;
}): React.ReactNode {
  const payload =
    requestBody === undefined && trouble !== null ? (
      trouble
    ) : (
      <Body label={words.requestBody} text={requestBody} none={words.bodyDeleted} />
    );
  if (!attempt) return payload;
  return (
    <Stack>
      {attempt.outcome === 'failed' && (
        <Notice tone="warning" title={words.failedWith(outcomeOf(attempt))}>
          {!isExplained && <p>{remedyOf(attempt)}</p>}
          {attempt.errorMessage !== undefined && (
            <p className={styles.message}>
              <bdi>{inert(attempt.errorMessage)}</bdi>
            </p>
          )}
        </Notice>
      )}
      <Tabs
        label={words.parts}
        tabs={[
          {
            value: 'answer',
            label: words.answer,
            content: <Answer {...{ attempt, isExpunged }} />,
          },
          {
            value: 'request',
            label: words.request,
            content: (
              <Stack>
                <Headers label={words.requestHeaders} headers={attempt.requestHeaders} />
                {payload}
              </Stack>
            ),
          },
        ]}
      />
    </Stack>
  );
}

function Answer({
  attempt: { statusCode, responseBody, responseBodyCut, responseHeaders },
  isExpunged,
}: {
  attempt: Attempt;
  isExpunged: boolean;
}): React.ReactNode {
  if (statusCode === undefined) return <p className={styles.muted}>{words.noAnswer}</p>;
  if (isExpunged && responseHeaders === undefined) {
    return <p className={styles.muted}>{words.answerDeleted}</p>;
  }
  return (
    <Stack>
      <Body label={words.answerBody} text={responseBody || null} none={words.emptyAnswer} />
      {responseBodyCut && <p className={styles.muted}>{words.answerCut}</p>}
      <Headers label={words.answerHeaders} headers={responseHeaders ?? {}} />
    </Stack>
  );
}

type Form = 'pretty' | 'raw';

/** Indented where it is JSON, and as it is. */
function Body({
  label,
  text,
  none,
}: {
  label: string;
  text: string | null | undefined;
  none: string;
}): React.ReactNode {
  const [form, setForm] = useState<Form>('pretty');
  const pretty = text ? prettyJson(text) : null;
  if (text === undefined) return <p className={styles.muted}>{texts.common.loading}</p>;
  if (text === null) return <p className={styles.muted}>{none}</p>;
  return (
    <Stack isTight>
      <div className={styles.bodyHead}>
        <h3>{label}</h3>
        {pretty !== null && (
          <Select<Form>
            label={words.form(label)}
            isLabelHidden
            value={form}
            options={[
              { value: 'pretty', label: words.pretty },
              { value: 'raw', label: words.raw },
            ]}
            onChange={setForm}
          />
        )}
      </div>
      <CodeBlock label={label} isWrapped code={(form === 'pretty' && pretty) || text} />
    </Stack>
  );
}

function Headers({
  label,
  headers,
}: {
  label: string;
  headers: Record<string, string>;
}): React.ReactNode {
  const rows = Object.entries(headers);
  return (
    <Stack isTight>
      <h3>{label}</h3>
      {rows.length === 0 ? (
        <p className={styles.muted}>{texts.common.none}</p>
      ) : (
        <dl className={styles.headers}>
          {rows.map(([name, value]) => (
            <div key={name}>
              <dt>
                <bdi>{inert(name)}</bdi>
              </dt>
              <dd>
                <bdi>{inert(value)}</bdi>
              </dd>
            </div>
          ))}
        </dl>
      )}
    </Stack>
  );
}
