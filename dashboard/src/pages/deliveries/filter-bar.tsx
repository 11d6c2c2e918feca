import { useId, useState } from 'react';
import { HOUR_MS } from '../../../../src/domain/durations';
import { nowMs } from '../../api/clock';
import { texts } from '../../texts';
import { Button } from '../../ui/button';
import { optionsOf, Select, TextField } from '../../ui/field';
import { useFilterText } from '../../ui/filter-text';
import { Icon } from '../../ui/icon';
import { LENGTHS } from '../../ui/period-filter';
import { TimeField } from '../../ui/time-field';
import { TypeField } from '../../ui/type-field';
import { WebhookField } from '../../ui/webhook-field';
import { NO_FILTERS, type DeliveryFilters, type FilterBarProps } from './query';
import styles from './deliveries.module.css';

const words = texts.deliveries.filters;
const STATUSES = Object.keys(texts.common.status) as (keyof typeof texts.common.status)[];
const ERRORS = Object.entries(texts.deliveries.error).map(([value, label]) => ({ value, label }));
/** Which are not visible before the bar is opened. */
const FOLDED = ['webhookId', 'type', 'statusCode', 'errorCode', 'order'] as const;

export function FilterBar({ filters, change }: FilterBarProps): React.ReactNode {
  const [isOpen, setOpen] = useState(() => matchMedia('(min-width: 56rem)').matches);
  const id = useId();
  const { range, since, until } = filters;
  const active =
    FOLDED.filter((name) => filters[name] !== undefined).length +
    Number((range ?? since ?? until) !== undefined);
  return (
    <div className={styles.filters} role="search" aria-label={words.title}>
      <div className={styles.filterHead}>
        <StatusChips filters={filters} change={change} />
        <Button
          size="small"
          icon="filter"
          aria-expanded={isOpen}
          aria-controls={id}
          onClick={() => setOpen(!isOpen)}
        >
          {words.toggle(active)}
        </Button>
        {Object.keys(filters).length > 0 && (
          <Button size="small" kind="ghost" icon="close" onClick={() => change(NO_FILTERS)}>
            {texts.common.clearFilters}
          </Button>
        )}
      </div>
      {filters.eventId !== undefined && (
        <Button size="small" onClick={() => change({ eventId: undefined })}>
          <bdi>{words.event(filters.eventId)}</bdi>
          <Icon name="close" size={13} />
        </Button>
      )}
      <div id={id} hidden={!isOpen}>
        <MoreFilters filters={filters} change={change} />
      </div>
    </div>
  );
}

const statusesOf = ({ status }: DeliveryFilters): ReadonlySet<string> =>
  new Set(status?.split(','));

/** Any of the pressed ones; none pressed: all. */
function StatusChips({ filters, change }: FilterBarProps): React.ReactNode {
  const chosen = statusesOf(filters);
  return (
    <fieldset className={styles.chips}>
      <legend className="visually-hidden">{words.status}</legend>
      {STATUSES.map((status) => (
        <button
          key={status}
          type="button"
          className={styles.chip}
          aria-pressed={chosen.has(status)}
          onClick={() =>
            change((now) => {
              const before = statusesOf(now);
              const next = STATUSES.filter((one) => before.has(one) !== (one === status));
              return { status: next.join(',') };
            })
          }
        >
          {chosen.has(status) && <Icon name="check" size={12} />}
          {texts.common.status[status]}
        </button>
      ))}
    </fieldset>
  );
}

function MoreFilters({ filters, change }: FilterBarProps): React.ReactNode {
  const isCustom = filters.since !== undefined || filters.until !== undefined;
  const range = filters.range ?? (isCustom ? 'custom' : 'any');
  return (
    <div className={styles.more}>
      <WebhookField
        label={words.webhook}
        any={words.anyWebhook}
        value={filters.webhookId ?? ''}
        onChange={(webhookId) => change({ webhookId })}
      />
      <TypeField
        label={words.type}
        any={words.anyType}
        value={filters.type ?? ''}
        onChange={(type) => change({ type })}
      />
      <StatusCodeField
        value={filters.statusCode ?? ''}
        onChange={(statusCode) => change({ statusCode })}
      />
      <Select
        label={words.errorCode}
        value={filters.errorCode ?? ''}
        options={[{ value: '', label: words.anyError }, ...ERRORS]}
        onChange={(errorCode) => change({ errorCode })}
      />
      <Select
        label={words.range}
        value={range}
        options={['any', ...LENGTHS, 'custom'].map((value) => ({
          value,
          label: words.ranges[value as keyof typeof words.ranges],
        }))}
        onChange={(value) => {
          const since = value === 'custom' ? hourAgo() : undefined;
          change({ range: value === 'any' ? undefined : value, since, until: undefined });
        }}
      />
      <Select
        label={words.order}
        value={filters.order ?? 'desc'}
        options={optionsOf(['desc', 'asc'], words.orders)}
        onChange={(order) => change({ order: order === 'asc' ? 'asc' : undefined })}
      />
      {range === 'custom' && (
        <>
          <TimeField
            label={words.since}
            value={filters.since ?? ''}
            onChange={(since) => change({ range, since })}
          />
          <TimeField
            label={words.until}
            value={filters.until ?? ''}
            onChange={(until) => change({ range, until })}
          />
        </>
      )}
    </div>
  );
}

const hourAgo = (): string => new Date(nowMs() - HOUR_MS).toISOString();

/** Asked for when it is whole: on Enter, or when the field is left. */
function StatusCodeField({
  value,
  onChange,
}: {
  value: string;
  onChange: (value: string) => void;
}): React.ReactNode {
  const { text, setText, ask } = useFilterText(value, onChange);
  const commit = (): void => {
    const next = text.replaceAll(/\s+/g, '').toLowerCase();
    setText(next);
    ask(next);
  };
  return (
    <TextField
      label={words.statusCode}
      placeholder={words.statusCodeHint}
      inputMode="text"
      spellCheck={false}
      value={text}
      onChange={setText}
      onBlur={commit}
      onKeyDown={(event) => {
        if (event.key === 'Enter') commit();
      }}
    />
  );
}
