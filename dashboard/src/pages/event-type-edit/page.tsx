import { useNavigate, useParams } from '@tanstack/react-router';
import { useMemo, useState } from 'react';
import { Only } from '../../app/only';
import { useEventTypes, useSaveEventType } from '../../api/events';
import { useAll } from '../../api/lists';
import { fieldError } from '../../api/problem';
import { texts } from '../../texts';
import { Button, LinkButton } from '../../ui/button';
import { Form } from '../../ui/form';
import { TextArea, TextField } from '../../ui/field';
import { jsonProblem, pretty, unlessChanged } from '../../ui/json';
import { Card, EmptyState, Notice, PageHeader, Row, Stack } from '../../ui/layout';
import { LoadError, Loading } from '../../ui/query-state';
import { Refusal } from '../../ui/refusal';

const words = texts.eventTypes.form;
const FIELDS = ['type', 'description', 'schema', 'sample'] as const;
const ROWS = 12;
const WATCH_MS = 5_000;

interface Draft {
  type: string;
  description: string;
  schema: string;
  sample: string;
}

type Problems = { [Name in keyof Draft]?: string | undefined };

const EXAMPLE: Draft = {
  type: '',
  description: '',
  schema: JSON.stringify({
    type: 'object',
    properties: { orderId: { type: 'string' }, total: { type: 'number' } },
    required: ['orderId'],
  }),
  sample: JSON.stringify({ orderId: 'ord_1042', total: 49.9 }),
};

/** A new type, or one that is there already. */
export function EditEventTypePage(): React.ReactNode {
  const { type } = useParams({ strict: false });
  const list = useAll(useEventTypes({ refetchMs: WATCH_MS }));
  // A list that has just grown is not whole for a moment: a form stays then, with what was typed.
  const [whole, setWhole] = useState<typeof list.items>();
  const isKnown =
    list.items.length === whole?.length && list.items.every((one, at) => one === whole[at]);
  if (list.isWhole && !isKnown) setWhole(list.items);
  const listed = list.items.find((one) => one.type === type);
  // So does one of a type that somebody else has deleted.
  const [last, setLast] = useState(listed);
  if (listed && listed !== last) setLast(listed);
  const found = listed ?? (last?.type === type ? last : undefined);
  const isGone = type !== undefined && !listed && list.isWhole;
  const isMissing = isGone && !found;
  const title =
    type === undefined
      ? words.newTitle
      : isMissing
        ? texts.common.missing.title(texts.eventTypes.oneTitle)
        : words.editTitle(type);
  return (
    <Only may="canPublish" title={title}>
      <PageHeader title={title} back={{ to: '/event-types', label: texts.eventTypes.title }} />
      {found ? (
        <TypeForm key={found.type} first={found} isGone={isGone} />
      ) : whole && type === undefined ? (
        <TypeForm
          first={EXAMPLE}
          isNew
          taken={new Set(whole.flatMap((one) => (one.source === 'project' ? one.type : [])))}
        />
      ) : isMissing ? (
        <Card isBare>
          <EmptyState icon="type" title={texts.eventTypes.missing}>
            {texts.eventTypes.missingAdvice}
          </EmptyState>
        </Card>
      ) : list.error !== null ? (
        <LoadError error={list.error} isBusy={list.isRefreshing} onRetry={list.refresh} />
      ) : (
        <Loading />
      )}
    </Only>
  );
}

const NONE: ReadonlySet<string> = new Set();

/**
 * @param first as it is now: what nobody has written in follows it
 * @param taken what a new one can't be called: saving it would replace another
 */
function TypeForm({
  first,
  isNew = false,
  isGone = false,
  taken = NONE,
}: {
  first: Draft;
  isNew?: boolean;
  isGone?: boolean;
  taken?: ReadonlySet<string>;
}): React.ReactNode {
  const navigate = useNavigate();
  const save = useSaveEventType();
  const [written, setWritten] = useState<Partial<Draft>>({});
  // Of 256 KiB, too slow to be done again at each key that is pressed.
  const shown = useMemo(
    () => ({ schema: pretty(first.schema), sample: pretty(first.sample) }),
    [first.schema, first.sample],
  );
  const draft = { ...first, ...shown, ...written };
  const [wrong, setWrong] = useState<Problems>({});
  const field = (name: keyof Draft) => ({
    value: draft[name],
    error: wrong[name] ?? fieldError(save.error, name),
    onChange: (value: string) => {
      setWritten({ ...written, [name]: value });
      setWrong({ ...wrong, [name]: undefined });
      save.reset();
    },
  });
  const submit = (): void => {
    const type = draft.type.trim();
    const problems: Problems = {
      type: type === '' ? words.required : taken.has(type) ? words.taken : undefined,
      schema: jsonProblem(draft.schema),
      sample: jsonProblem(draft.sample),
    };
    setWrong(problems);
    if (Object.values(problems).some((problem) => problem !== undefined)) return;
    save.mutate(
      {
        type,
        description: draft.description,
        schema: unlessChanged(draft.schema, first.schema),
        sample: unlessChanged(draft.sample, first.sample),
      },
      { onSuccess: () => void navigate({ to: '/event-types/$type', params: { type } }) },
    );
  };
  return (
    <Card>
      <Form onSubmit={submit}>
        <Stack>
          {isGone && (
            <Notice tone="danger" title={texts.common.missing.title(texts.eventTypes.oneTitle)}>
              {words.gone}
            </Notice>
          )}
          <TextField
            label={words.name}
            help={isNew ? words.nameHelp : words.nameLocked}
            isCode
            readOnly={!isNew}
            {...field('type')}
          />
          <TextField label={words.description} {...field('description')} />
          <TextArea
            label={words.schema}
            help={words.schemaHelp}
            isCode
            rows={ROWS}
            {...field('schema')}
          />
          <TextArea
            label={words.sample}
            help={words.sampleHelp}
            isCode
            rows={ROWS}
            {...field('sample')}
          />
          <Refusal error={save.error} besides={FIELDS} />
          <Row>
            <Button type="submit" kind="primary" isBusy={save.isPending}>
              {words.save}
            </Button>
            <LinkButton to="/event-types">{texts.common.cancel}</LinkButton>
          </Row>
        </Stack>
      </Form>
    </Card>
  );
}
