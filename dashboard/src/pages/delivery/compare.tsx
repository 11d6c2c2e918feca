import { useState } from 'react';
import type { Attempt } from '../../api/types';
import { texts } from '../../texts';
import { Dialog } from '../../ui/dialog';
import { Select } from '../../ui/field';
import { inert } from '../../ui/inert';
import { formatDuration, useFormatTime } from '../../ui/time';
import { outcomeOf } from '../deliveries/answer';
import styles from './delivery.module.css';

const words = texts.deliveries.one;

/** Two attempts side by side; what differs is marked, in words too. */
export function CompareDialog({
  attempts,
  onClose,
}: {
  attempts: readonly Attempt[];
  onClose: () => void;
}): React.ReactNode {
  const [first, setFirst] = useState(attempts.at(-2)!.number);
  const [second, setSecond] = useState(attempts.at(-1)!.number);
  const format = useFormatTime();
  const at = (number: number): Attempt =>
    attempts.find((attempt) => attempt.number === number) ?? attempts.at(-1)!;
  const left = factsOf(at(first), format);
  const right = factsOf(at(second), format);
  const names = [...new Set([...left.keys(), ...right.keys()])];
  const options = attempts.map(({ number }) => ({
    value: String(number),
    label: words.attempt(number),
  }));
  return (
    <Dialog isOpen onClose={onClose} size="wide" title={words.compareTitle}>
      {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- it scrolls, also by keyboard */}
      <div className={styles.scroll} tabIndex={0} role="region" aria-label={words.compareTitle}>
        <table className={styles.compare}>
          <thead>
            <tr>
              <th scope="col">
                <span className="visually-hidden">{words.compared}</span>
              </th>
              {[
                { label: words.firstAttempt, value: first, onChange: setFirst },
                { label: words.secondAttempt, value: second, onChange: setSecond },
              ].map(({ label, value, onChange }) => (
                <th key={label} scope="col">
                  <Select
                    label={label}
                    isLabelHidden
                    value={String(value)}
                    options={options}
                    onChange={(chosen) => onChange(Number(chosen))}
                  />
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {names.map((name) => {
              const isSame = left.get(name) === right.get(name);
              return (
                <tr key={name} className={isSame ? undefined : styles.differs}>
                  <th scope="row">
                    <bdi>{inert(name)}</bdi>
                    {!isSame && <span className={styles.mark}>{words.differs}</span>}
                  </th>
                  <Cell value={left.get(name)} />
                  <Cell value={right.get(name)} />
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
    </Dialog>
  );
}

function Cell({ value }: { value: string | undefined }): React.ReactNode {
  return (
    <td>
      <bdi>{value === undefined ? '–' : inert(value)}</bdi>
    </td>
  );
}

function factsOf(attempt: Attempt, format: (value: string) => string): Map<string, string> {
  const { requestHeaders, responseHeaders = {}, errorMessage } = attempt;
  const { responseBody, responseBodyCut } = attempt;
  const named = (
    kind: (name: string) => string,
    headers: Record<string, string>,
  ): [string, string][] => Object.entries(headers).map(([name, value]) => [kind(name), value]);
  return new Map([
    [words.outcome, outcomeOf(attempt)],
    [words.startedAt, format(attempt.startedAt)],
    [words.duration, formatDuration(attempt.durationMs)],
    ...(errorMessage === undefined ? [] : [[words.errorMessage, errorMessage] as const]),
    ...(responseBody === undefined
      ? []
      : [[words.answerBody, responseBodyCut ? `${responseBody}…` : responseBody] as const]),
    ...named(words.answerHeader, responseHeaders),
    ...named(words.requestHeader, requestHeaders),
  ]);
}
