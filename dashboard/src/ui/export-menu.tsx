import { useState } from 'react';
import type { ExportFormat } from '../api/exports';
import { explain } from '../api/problem';
import { texts } from '../texts';
import { Button } from './button';
import { Menu, MenuItem } from './menu';
import { notify } from './toast';

const words = texts.common.export;

/** Saves a list as a file of that form. */
export function ExportMenu({
  size,
  onExport,
}: {
  size?: 'small';
  onExport: (format: ExportFormat) => void | Promise<void>;
}): React.ReactNode {
  // Much of it takes long to write, and would be asked for again.
  const [isBusy, setBusy] = useState(false);
  const write = async (format: ExportFormat): Promise<void> => {
    setBusy(true);
    try {
      await onExport(format);
    } catch (error) {
      const { title, advice } = explain(error);
      notify({ kind: 'error', title: words.failed, description: `${title} ${advice}` });
    } finally {
      setBusy(false);
    }
  };
  return (
    <Menu
      trigger={
        <Button size={size} icon="download">
          {isBusy ? words.running : words.action}
        </Button>
      }
    >
      {(['ndjson', 'csv'] as const).map((format) => (
        <MenuItem key={format} isDisabled={isBusy} onSelect={() => void write(format)}>
          {words.as[format]}
        </MenuItem>
      ))}
    </Menu>
  );
}
