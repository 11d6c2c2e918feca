import { useMemo } from 'react';
import { texts } from '../texts';
import { Select } from './field';
import { TimeField } from './time-field';

const HOUR_MS = 3_600_000;
const HOURS = { '1h': 1, '24h': 24, '7d': 7 * 24, '30d': 30 * 24 } as const;
const LENGTHS = Object.keys(HOURS) as (keyof typeof HOURS)[];
const CHOSEN = 'chosen';

const hoursAgo = (hours: number): string => new Date(Date.now() - hours * HOUR_MS).toISOString();

/** As the address has it: a length until now, or from one moment to another. */
export interface PeriodFilters {
  period?: string | undefined;
  since?: string | undefined;
  until?: string | undefined;
}

/** What the API is asked for. The same until the filters change, so that a list's pages belong together. */
export function usePeriod({ period, since, until }: PeriodFilters): {
  since?: string;
  until?: string;
} {
  return useMemo(() => {
    const length = LENGTHS.find((one) => one === period);
    if (length) return { since: hoursAgo(HOURS[length]) };
    return { ...(since && { since }), ...(until && { until }) };
  }, [period, since, until]);
}

export function PeriodFilter({
  value,
  onChange,
}: {
  value: PeriodFilters;
  onChange: (changes: Required<PeriodFilters>) => void;
}): React.ReactNode {
  const words = texts.common.period;
  const { period = '', since = '', until = '' } = value;
  const shown = period === '' && (since !== '' || until !== '') ? CHOSEN : period;
  return (
    <>
      <Select
        label={words.label}
        isLabelHidden
        value={shown}
        options={[
          { value: '', label: words.any },
          ...LENGTHS.map((length) => ({ value: length as string, label: words[length] })),
          { value: CHOSEN, label: words.chosen },
        ]}
        onChange={(chosen) => onChange({ period: chosen, since: '', until: '' })}
      />
      {shown === CHOSEN && (
        <>
          <TimeField
            label={words.since}
            value={since}
            onChange={(from) => onChange({ period: CHOSEN, since: from, until })}
          />
          <TimeField
            label={words.until}
            value={until}
            onChange={(to) => onChange({ period: CHOSEN, since, until: to })}
          />
        </>
      )}
    </>
  );
}
