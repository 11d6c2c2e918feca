import { texts } from '../../texts';
import { Button } from '../../ui/button';
import { TextArea } from '../../ui/field';
import { pretty } from '../../ui/json';
import { Stack } from '../../ui/layout';

const words = texts.events.dataEditor;

/** An event's data as JSON: the sample of its type, until somebody changes it. */
export function DataEditor({
  label = words.label,
  sample,
  edited,
  error,
  rows,
  onChange,
}: {
  label?: string;
  /** undefined: there is none any more. */
  sample: string | undefined;
  /** What is written instead of the sample; undefined: nothing. */
  edited: string | undefined;
  error: string | undefined;
  rows: number;
  onChange: (edited: string | undefined) => void;
}): React.ReactNode {
  return (
    <Stack isTight>
      <TextArea
        label={label}
        help={words.help}
        error={error}
        isCode
        rows={rows}
        value={textOf(sample, edited)}
        onChange={onChange}
      />
      {edited !== undefined && sample && (
        <div>
          <Button size="small" onClick={() => onChange(undefined)}>
            {words.reset}
          </Button>
        </div>
      )}
    </Stack>
  );
}

/** What the editor shows. */
export const textOf = (sample: string | undefined, edited: string | undefined): string =>
  edited ?? (sample === undefined ? '' : pretty(sample));
