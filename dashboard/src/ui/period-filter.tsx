import type { HoursAgo } from '../api/http';
import { texts } from '../texts';
import { Select } from './field';
import { TimeField } from './time-field';

const HOURS = { '1h': 1, '24h': 24, '7d': 7 * 24, '30d': 30 * 24 } as const;
export const LENGTHS = Object.keys(HOURS) as (keyof typeof HOURS)[];
const CHOSEN = 'chosen';

/** Since when that length until now is; undefined: it is none. */
export function beginOf(name: string | undefined): HoursAgo | undefined {
  const length = LENGTHS.find((one) => one === name);
  return length && { hoursAgo: HOURS[length] };
}

/** As the address has it: a length until now, or from one moment to another. */
export interface PeriodFilters {
  period?: string | undefined;
  since?: string | undefined;
  until?: string | undefined;
}

/** What the API is asked for. */
export function periodOf({ period, since, until }: PeriodFilters): {
  since?: string | HoursAgo;
  until?: string;
} {
  const begin = beginOf(period);
  return begin ? { since: begin } : { ...(since && { since }), ...(until && { until }) };
}

export function PeriodFilter({
  value,
  onChange,
}: {
  value: PeriodFilters;
  onChange: (changes: PeriodFilters) => void;
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
            onChange={(from) => onChange({ period: CHOSEN, since: from })}
          />
          <TimeField
            label={words.until}
            value={until}
            onChange={(to) => onChange({ period: CHOSEN, until: to })}
          />
        </>
      )}
    </>
  );
}
