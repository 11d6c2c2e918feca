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
  const write = async (format: ExportFormat): Promise<void> => {
    try {
      await onExport(format);
    } catch (error) {
      const { title, advice } = explain(error);
      notify({ kind: 'error', title: words.failed, description: `${title} ${advice}` });
    }
  };
  return (
    <Menu
      trigger={
        <Button size={size} icon="download">
          {words.action}
        </Button>
      }
    >
      {(['ndjson', 'csv'] as const).map((format) => (
        <MenuItem key={format} onSelect={() => void write(format)}>
          {words.as[format]}
        </MenuItem>
      ))}
    </Menu>
  );
}
