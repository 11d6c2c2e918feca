import { useState } from 'react';
import { MINUTE_MS } from '../../../src/domain/durations';
import type { Preferences } from '../app/preferences';
import { usePreferences } from '../app/preferences';
import { texts } from '../texts';
import { TextField } from './field';

const TO_SECONDS = 19;
/** Without it, a year has six digits for the browser. */
const LAST = '9999-12-31T23:59:59';

/** What the browser's control shows for a moment, in the zone. */
function shownIn(zone: Preferences['zone'], value: string): string {
  const time = new Date(value);
  if (Number.isNaN(time.getTime())) return '';
  const offsetMs = zone === 'utc' ? 0 : time.getTimezoneOffset() * MINUTE_MS;
  return new Date(time.getTime() - offsetMs).toISOString().slice(0, TO_SECONDS);
}

function momentOf(zone: Preferences['zone'], shown: string): string {
  const time = new Date(zone === 'utc' ? `${shown}Z` : shown);
  return Number.isNaN(time.getTime()) ? '' : time.toISOString();
}

/** A moment, chosen in the user's zone. `value` in ISO 8601, or empty. */
export function TimeField({
  label,
  value,
  onChange,
  ...field
}: {
  label: string;
  value: string;
  onChange: (value: string) => void;
  error?: string | undefined;
  help?: string;
  isOptional?: boolean;
}): React.ReactNode {
  const { zone } = usePreferences();
  // What is typed stays: its moment may come back later, as by the address, or be written otherwise in the zone.
  const [typed, setTyped] = useState<string | null>(null);
  return (
    <TextField
      {...field}
      label={texts.common.timeIn(label, zone === 'utc')}
      type="datetime-local"
      step={1}
      max={LAST}
      value={typed ?? shownIn(zone, value)}
      onChange={(shown) => {
        setTyped(shown);
        onChange(momentOf(zone, shown));
      }}
      onBlur={() => setTyped(null)}
    />
  );
}
