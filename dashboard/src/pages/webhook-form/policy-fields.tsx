import { useWebhookDefaults } from '../../api/webhooks';
import { texts } from '../../texts';
import { optionsOf, Select, TextField } from '../../ui/field';
import { Card, Stack } from '../../ui/layout';
import type { Draft, FieldsProps } from './draft';
import { parseDelays } from './durations';
import { writeFigure } from './figures';
import { Schedule } from './schedule';
import styles from './form.module.css';

const words = texts.webhooks.form;

const SCHEDULES = {
  project: '',
  short: '1m, 5m, 15m',
  hours: '30s, 2m, 10m, 30m, 1h',
  days: '5s, 5m, 30m, 2h, 5h, 10h, 10h',
} as const;
type Preset = keyof typeof SCHEDULES | 'custom';

const presetOf = (delays: string): Preset => {
  const found = Object.entries(SCHEDULES).find(([, text]) => text === delays);
  return found ? (found[0] as Preset) : 'custom';
};

/** When and how often a delivery is attempted. */
export function PolicyFields({ draft, onChange, errorOf }: FieldsProps): React.ReactNode {
  const defaults = useWebhookDefaults().data?.policy;
  const isProjects = draft.delays.trim() === '';
  const delaysMs = isProjects ? defaults?.retryDelaysMs : parseDelays(draft.delays);
  /** @param usual what applies if nothing is written there */
  const figure = (field: keyof Draft, path: string, usual: number | null | undefined) => ({
    placeholder: usual === undefined ? undefined : writeFigure(usual),
    isOptional: true,
    inputMode: 'decimal' as const,
    error: errorOf(path),
    value: draft[field] as string,
    onChange: (value: string) => onChange({ [field]: value }),
  });
  return (
    <Card title={words.policy} lead={words.policyLead}>
      <Stack>
        <div className={styles.pair}>
          <Select<Preset>
            label={words.schedule}
            value={presetOf(draft.delays)}
            options={optionsOf(['project', 'short', 'hours', 'days', 'custom'], words.schedules)}
            onChange={(preset) =>
              // A text of its own to begin with, which is no preset.
              onChange({ delays: preset === 'custom' ? '1m, 5m, 15m, 1h' : SCHEDULES[preset] })
            }
          />
          <TextField
            label={words.delays}
            help={words.delaysHelp}
            error={errorOf('policy.retryDelaysMs')}
            isOptional
            isCode
            value={draft.delays}
            onChange={(delays) => onChange({ delays })}
          />
        </div>
        {delaysMs && <Schedule delaysMs={delaysMs} />}
        <div className={styles.pair}>
          <TextField
            label={words.timeout}
            help={words.timeoutHelp}
            {...figure('timeoutSeconds', 'policy.timeoutMs', defaults && defaults.timeoutMs / 1000)}
          />
          <TextField
            label={words.rate}
            help={words.rateHelp}
            {...figure('ratePerSecond', 'policy.ratePerSecond', defaults?.ratePerSecond)}
          />
          <TextField
            label={words.autoDisable}
            help={words.autoDisableHelp}
            {...figure('autoDisableAfter', 'policy.autoDisableAfter', defaults?.autoDisableAfter)}
          />
          <Select
            label={words.order}
            value={draft.backlogOrder || 'project'}
            options={optionsOf(['project', 'oldest_first', 'newest_first'], words.orders)}
            onChange={(order) => onChange({ backlogOrder: order === 'project' ? '' : order })}
          />
        </div>
      </Stack>
    </Card>
  );
}
