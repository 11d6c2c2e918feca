import { texts } from '../../texts';
import { Button, IconButton } from '../../ui/button';
import { FieldError, TextField } from '../../ui/field';
import { Card, Stack } from '../../ui/layout';
import type { Draft, FieldsProps } from './draft';
import styles from './form.module.css';

const words = texts.webhooks.form;

export function HeadersField({ draft, onChange, errorOf }: FieldsProps): React.ReactNode {
  const { headers } = draft;
  const change = (key: number, changes: Partial<Draft['headers'][number]>): void =>
    onChange({
      headers: headers.map((header) => (header.key === key ? { ...header, ...changes } : header)),
    });
  const nextKey = Math.max(-1, ...headers.map(({ key }) => key)) + 1;
  return (
    <Card title={words.headers} lead={words.headersLead}>
      <Stack isTight>
        {headers.map(({ key, name, value }, index) => (
          <div key={key} className={styles.header}>
            <TextField
              label={words.headerName(index + 1)}
              isLabelHidden
              isCode
              placeholder="X-Api-Key"
              value={name}
              onChange={(changed) => change(key, { name: changed })}
            />
            <TextField
              label={words.headerValue(index + 1)}
              isLabelHidden
              isCode
              value={value}
              onChange={(changed) => change(key, { value: changed })}
            />
            <IconButton
              icon="trash"
              label={words.removeHeader(index + 1)}
              onClick={() => onChange({ headers: headers.filter((header) => header.key !== key) })}
            />
          </div>
        ))}
        <FieldError error={errorOf('headers')} />
        <div>
          <Button
            size="small"
            icon="plus"
            onClick={() =>
              onChange({ headers: [...headers, { key: nextKey, name: '', value: '' }] })
            }
          >
            {words.addHeader}
          </Button>
        </div>
      </Stack>
    </Card>
  );
}
