import type { Policy, Webhook } from '../../api/types';
import { useWebhookDefaults } from '../../api/webhooks';
import { texts } from '../../texts';
import { Badge } from '../../ui/badge';
import { CodeBlock, CopyId } from '../../ui/copy';
import { Card, Facts, Row, Stack } from '../../ui/layout';
import { formatDuration, Time } from '../../ui/time';
import { Schedule } from '../webhook-form/schedule';
import styles from './webhook.module.css';

const words = texts.webhooks.detail;

/** Everything that is set, to look at; it is changed on the page for editing. */
export function SettingsCard({ webhook }: { webhook: Webhook }): React.ReactNode {
  const { policy, headers, filter } = webhook;
  const defaults = useWebhookDefaults().data?.policy;
  const { timeoutMs, ratePerSecond, autoDisableAfter, retryDelaysMs } = { ...defaults, ...policy };
  const shown = (field: keyof Policy, value: string): string =>
    policy[field] === undefined ? words.asProject(value) : value;
  const headerLines = Object.entries(headers ?? {}).map(([name, value]) => `${name}: ${value}`);
  return (
    <Card title={words.facts}>
      <Stack>
        <Facts
          items={[
            {
              name: texts.webhooks.id,
              value: <CopyId value={webhook.id} what={texts.webhooks.id} />,
            },
            ...(webhook.externalId === null
              ? []
              : [
                  {
                    name: words.externalId,
                    value: <CopyId value={webhook.externalId} what={words.externalId} />,
                  },
                ]),
            {
              name: words.signing,
              value: webhook.signing
                .map((scheme) => texts.webhooks.form.schemes[scheme].label)
                .join(', '),
            },
            {
              name: words.timeout,
              value: timeoutMs === undefined ? null : shown('timeoutMs', formatDuration(timeoutMs)),
            },
            {
              name: words.rate,
              value:
                ratePerSecond === undefined
                  ? null
                  : shown(
                      'ratePerSecond',
                      ratePerSecond === null ? texts.common.none : words.perSecond(ratePerSecond),
                    ),
            },
            {
              name: words.autoDisable,
              value:
                autoDisableAfter === undefined
                  ? null
                  : shown(
                      'autoDisableAfter',
                      autoDisableAfter === null ? texts.common.never : String(autoDisableAfter),
                    ),
            },
            { name: words.created, value: <Time value={webhook.createdAt} isAbsolute /> },
            { name: words.lastSuccess, value: <Time value={webhook.lastSuccessAt} /> },
            { name: words.lastFailure, value: <Time value={webhook.lastFailedAt} /> },
          ]}
        />
        <div>
          <h3 className={styles.subtitle}>{words.events}</h3>
          <Row>
            {webhook.events.map((event) => (
              <Badge key={event}>{event === '*' ? texts.webhooks.allEvents : event}</Badge>
            ))}
          </Row>
        </div>
        <div>
          <h3 className={styles.subtitle}>{words.schedule}</h3>
          {retryDelaysMs && <Schedule delaysMs={retryDelaysMs} />}
        </div>
        {filter !== null && (
          <div>
            <h3 className={styles.subtitle}>{words.filter}</h3>
            <CodeBlock label={words.filter} code={JSON.stringify(filter, null, 2)} />
          </div>
        )}
        {headers === null && (
          <div>
            <h3 className={styles.subtitle}>{words.headers}</h3>
            <p>{words.headersUnreadable}</p>
          </div>
        )}
        {headerLines.length > 0 && (
          <div>
            <h3 className={styles.subtitle}>{words.headers}</h3>
            <CodeBlock label={words.headers} code={headerLines.join('\n')} isWrapped />
          </div>
        )}
      </Stack>
    </Card>
  );
}
