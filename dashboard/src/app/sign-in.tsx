import { useEffect, useRef, useState } from 'react';
import { explainInLine, isUnauthorized } from '../api/problem';
import { texts } from '../texts';
import { Button } from '../ui/button';
import { Form } from '../ui/form';
import { TextField } from '../ui/field';
import { Icon } from '../ui/icon';
import { Notice, Stack } from '../ui/layout';
import { Alone } from './alone';
import { signIn, type SignedIn } from './session';
import styles from './app.module.css';

const words = texts.app.signIn;

export function SignInPage({
  state,
}: {
  state: Exclude<SignedIn['state'], 'in'>;
}): React.ReactNode {
  const [key, setKey] = useState('');
  const [error, setError] = useState<string>();
  const [isBusy, setBusy] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    document.title = words.title;
    input.current?.focus();
  }, []);

  const submit = async (): Promise<void> => {
    if (key.trim() === '') {
      setError(words.required);
      input.current?.focus();
      return;
    }
    setBusy(true);
    try {
      await signIn(key.trim());
    } catch (failure) {
      setError(messageOf(failure));
      setBusy(false);
      input.current?.focus();
    }
  };
  return (
    <Alone>
      <Form className={styles.signIn} onSubmit={() => void submit()}>
        <Stack>
          <span className={styles.logo}>
            <Icon name="horn" size={26} />
          </span>
          <div>
            <h1 className={styles.signInTitle}>{words.title}</h1>
            <p className={styles.muted}>{words.lead}</p>
          </div>
          {state === 'ended' && <Notice tone="info">{words.ended}</Notice>}
          {state === 'linkUsed' && <Notice tone="warning">{words.linkUsed}</Notice>}
          <TextField
            ref={input}
            label={words.key}
            help={words.keyHelp}
            error={error}
            value={key}
            onChange={setKey}
            type="password"
            name="key"
            autoComplete="current-password"
            autoCapitalize="none"
            spellCheck={false}
            required
            isCode
          />
          <Button type="submit" kind="primary" isBusy={isBusy}>
            {isBusy ? words.submitting : words.submit}
          </Button>
        </Stack>
      </Form>
    </Alone>
  );
}

function messageOf(failure: unknown): string {
  return isUnauthorized(failure) ? words.refused : explainInLine(failure);
}
