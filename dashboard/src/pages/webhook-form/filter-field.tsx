import { lazy, Suspense } from 'react';
import { texts } from '../../texts';
import { TextArea } from '../../ui/field';
import { Card, Stack } from '../../ui/layout';
import { readFilter, type FieldsProps } from './draft';

const words = texts.webhooks.form;

/** With the evaluator of filters, which is loaded only for somebody who writes one. */
const FilterPreview = lazy(() => import('./filter-preview'));

export function FilterField({ draft, onChange, errorOf }: FieldsProps): React.ReactNode {
  const { value, error } = readFilter(draft.filter);
  return (
    <Card title={words.filter} lead={words.filterLead}>
      <Stack>
        <TextArea
          label={words.filterField}
          help={words.filterHelp}
          error={error ?? errorOf('filter')}
          isOptional
          isCode
          rows={4}
          value={draft.filter}
          onChange={(filter) => onChange({ filter })}
        />
        {value !== null && (
          <Suspense fallback={null}>
            <FilterPreview filter={value} patterns={draft.events} />
          </Suspense>
        )}
      </Stack>
    </Card>
  );
}
