import { usePreferences } from '../../app/preferences';
import { texts } from '../../texts';
import { TextField } from '../../ui/field';
import type { FilterBarProps } from './query';

const words = texts.deliveries.filters;
const MINUTE_MS = 60_000;

/** Two moments, in the zone that all times are shown in. */
export function RangeFields({ filters, change }: FilterBarProps): React.ReactNode {
  const { zone } = usePreferences();
  const offsetMs = (timeMs: number): number =>
    zone === 'utc' ? 0 : new Date(timeMs).getTimezoneOffset() * MINUTE_MS;
  const shown = (value: string | undefined): string => {
    const timeMs = Date.parse(value ?? '');
    if (Number.isNaN(timeMs)) return '';
    return new Date(timeMs - offsetMs(timeMs)).toISOString().slice(0, 16);
  };
  const moment = (text: string): string | undefined => {
    const timeMs = Date.parse(`${text}Z`);
    if (Number.isNaN(timeMs)) return undefined;
    return new Date(timeMs + offsetMs(timeMs)).toISOString();
  };
  return (
    <>
      <TextField
        type="datetime-local"
        label={words.since}
        value={shown(filters.since)}
        onChange={(text) => change({ since: moment(text) })}
      />
      <TextField
        type="datetime-local"
        label={words.until}
        value={shown(filters.until)}
        onChange={(text) => change({ until: moment(text) })}
      />
    </>
  );
}
