import { useEffect, useState } from 'react';
import { ALLOWED } from '../../api/batch';
import { nowMs } from '../../api/clock';
import type { Query } from '../../api/http';
import { explain, fieldError } from '../../api/problem';
import { useDryRun, useStartReplay, type ReplayInput } from '../../api/replays';
import type { DeliveryStatus } from '../../api/types';
import { texts } from '../../texts';
import { Button, LinkButton } from '../../ui/button';
import { Dialog } from '../../ui/dialog';
import { Checkbox, TextField } from '../../ui/field';
import { Facts, Notice, Stack } from '../../ui/layout';
import { useFormatTime } from '../../ui/time';
import { WebhookName } from '../../ui/webhook-name';

const words = texts.deliveries.bulkReplay;
const BEGIN = new Date(0).toISOString();

export interface BulkSelection {
  webhookId?: string;
  types?: string[];
  since?: string;
  until?: string;
  statuses: readonly DeliveryStatus[];
}

/** Bulk replays select by less than lists do. */
export const canBeBulk = ({ eventId, statusCode, errorCode }: Query): boolean =>
  !eventId && !statusCode && !errorCode;

/** Counts first what it would send. */
export function BulkReplayDialog({
  selection,
  onClose,
}: {
  selection: BulkSelection;
  onClose: () => void;
}): React.ReactNode {
  const { webhookId, types, since = BEGIN } = selection;
  const [until] = useState(() => selection.until ?? new Date(nowMs()).toISOString());
  const [statuses, setStatuses] = useState(selection.statuses);
  const [rate, setRate] = useState('');
  const { mutate: count, ...dryRun } = useDryRun();
  const start = useStartReplay();
  const format = useFormatTime();
  const input = (): ReplayInput => ({ webhookId, types, since, until, statuses: [...statuses] });
  const key = JSON.stringify(input());
  useEffect(() => {
    const asked = JSON.parse(key) as ReplayInput;
    if (asked.statuses?.length !== 0) count(asked);
  }, [key, count]);

  const ratePerSecond = rate.trim() === '' ? null : Number(rate);
  const isRate = ratePerSecond === null || (ratePerSecond >= 0.1 && ratePerSecond <= 100);
  const matched = statuses.length === 0 ? 0 : dryRun.data?.matched;
  const error = dryRun.error ?? start.error;
  return (
    <Dialog
      isOpen
      onClose={onClose}
      title={words.title}
      description={words.lead}
      actions={
        start.isSuccess ? (
          <LinkButton kind="primary" to="/replays">
            {words.see}
          </LinkButton>
        ) : (
          <>
            <Button onClick={onClose}>{texts.common.cancel}</Button>
            <Button
              kind="primary"
              isBusy={start.isPending}
              disabled={!isRate || !matched}
              onClick={() => start.mutate({ ...input(), ratePerSecond })}
            >
              {words.confirm}
            </Button>
          </>
        )
      }
    >
      <Stack>
        <Facts
          items={[
            { name: words.since, value: since === BEGIN ? words.fromBegin : format(since) },
            { name: words.until, value: format(until) },
            ...(webhookId === undefined
              ? []
              : [
                  {
                    name: words.webhook,
                    value: <WebhookName id={webhookId} />,
                  },
                ]),
          ]}
        />
        <fieldset>
          <legend>{words.statuses}</legend>
          {ALLOWED.replay.map((status) => (
            <Checkbox
              key={status}
              label={texts.common.status[status]}
              isChecked={statuses.includes(status)}
              onChange={(isChecked) =>
                setStatuses(
                  ALLOWED.replay.filter((one) =>
                    one === status ? isChecked : statuses.includes(one),
                  ),
                )
              }
            />
          ))}
        </fieldset>
        <TextField
          label={words.rate}
          help={words.rateHelp}
          inputMode="decimal"
          value={rate}
          error={isRate ? fieldError(start.error, 'ratePerSecond') : words.rateError}
          onChange={setRate}
        />
        <p role="status">
          {matched === undefined ? !error && words.counting : words.matched(matched)}
        </p>
        {error && (
          <Notice tone="danger" title={explain(error).title}>
            {explain(error).advice}
          </Notice>
        )}
      </Stack>
    </Dialog>
  );
}
