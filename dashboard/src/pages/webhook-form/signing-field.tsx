import type { SigningScheme } from '../../api/types';
import { useWebhookDefaults } from '../../api/webhooks';
import { texts } from '../../texts';
import { Checkbox, FieldError, Radio, TextField } from '../../ui/field';
import { Card, Stack } from '../../ui/layout';
import type { FieldsProps } from './draft';

const words = texts.webhooks.form;
const SCHEMES: readonly SigningScheme[] = ['hex', 'standard', 'standard-ed25519'];

export function SigningField({ draft, isNew, onChange, errorOf }: FieldsProps): React.ReactNode {
  const { signing } = draft;
  const { data: defaults } = useWebhookDefaults();
  const usual = defaults?.signing.map((scheme) => words.schemes[scheme].label).join(', ');
  const schemes = signing && (
    <Stack isTight>
      {SCHEMES.map((scheme) => (
        <Checkbox
          key={scheme}
          {...words.schemes[scheme]}
          isChecked={signing.includes(scheme)}
          onChange={(isChecked) =>
            onChange({
              signing: SCHEMES.filter((other) =>
                other === scheme ? isChecked : signing.includes(other),
              ),
            })
          }
        />
      ))}
    </Stack>
  );
  return (
    <Card title={words.signing} lead={words.signingLead}>
      <Stack>
        {isNew && (
          <fieldset>
            <legend className="visually-hidden">{words.signing}</legend>
            <Stack isTight>
              <Radio
                name="signing"
                label={words.signingDefault}
                help={usual}
                isChecked={signing === null}
                onChange={() => onChange({ signing: null })}
              />
              <Radio
                name="signing"
                label={words.signingChosen}
                isChecked={signing !== null}
                onChange={() => onChange({ signing: ['hex'] })}
              />
            </Stack>
          </fieldset>
        )}
        {schemes}
        <FieldError error={errorOf('signing')} />
        {isNew && defaults?.acceptsSecret && (
          <TextField
            label={words.ownSecret}
            help={words.ownSecretHelp}
            error={errorOf('secret')}
            isOptional
            isCode
            type="password"
            autoComplete="new-password"
            value={draft.secret}
            onChange={(secret) => onChange({ secret })}
          />
        )}
      </Stack>
    </Card>
  );
}
