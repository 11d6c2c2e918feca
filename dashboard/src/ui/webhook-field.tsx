import { useState } from 'react';
import { useKnownWebhook, useWebhookChoice } from '../api/webhooks';
import { texts } from '../texts';
import { SearchSelect } from './search-select';

/** Chooses one of the project's webhooks. */
export function WebhookField({
  value,
  ...field
}: {
  label: string;
  /** By its id; empty: any of them. */
  value: string;
  /** What that is called. */
  any: string;
  error?: string | undefined;
  onChange: (webhookId: string) => void;
}): React.ReactNode {
  const [q, setQ] = useState('');
  const all = useWebhookChoice();
  const found = useWebhookChoice(q);
  const known = useKnownWebhook(value);
  return (
    <SearchSelect
      {...field}
      {...{ value, all, q, found }}
      search={texts.webhooks.search}
      current={known?.name ?? value}
      onSearch={setQ}
    />
  );
}
