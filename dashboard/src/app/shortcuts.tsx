import { useNavigate } from '@tanstack/react-router';
import { Fragment, useEffect } from 'react';
import { texts } from '../texts';
import { Dialog } from '../ui/dialog';
import { Kbd } from '../ui/layout';
import { NAV_ITEMS } from './navigation';
import styles from './shell.module.css';

const words = texts.app.shortcuts;

/** How long after `g` the page's key may come. */
const SEQUENCE_MS = 1_500;

const isTyping = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement &&
  (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));

/** `?` shows all of them, `/` leads to the search field, `g` and a letter to a page. */
export function Shortcuts({
  isHelpOpen,
  onHelp,
}: {
  isHelpOpen: boolean;
  onHelp: (isOpen: boolean) => void;
}): React.ReactNode {
  const navigate = useNavigate();
  useEffect(() => {
    let wentAt = Number.NEGATIVE_INFINITY;
    const onKeyDown = (event: KeyboardEvent): void => {
      if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
      if (document.querySelector('[role="dialog"], [role="menu"]')) return;
      const page =
        event.timeStamp - wentAt < SEQUENCE_MS && NAV_ITEMS.find(({ key }) => key === event.key);
      wentAt = event.key === 'g' ? event.timeStamp : Number.NEGATIVE_INFINITY;
      const search =
        document.querySelector<HTMLElement>('main [data-search]') ??
        document.querySelector<HTMLElement>('[data-search]');
      if (page) void navigate({ to: page.to });
      else if (event.key === '?') onHelp(true);
      else if (event.key === '/' && search) search.focus();
      else return;
      event.preventDefault();
    };
    document.addEventListener('keydown', onKeyDown);
    return () => document.removeEventListener('keydown', onKeyDown);
  }, [navigate, onHelp]);
  return (
    <Dialog
      isOpen={isHelpOpen}
      onClose={() => onHelp(false)}
      title={words.title}
      description={words.lead}
    >
      <dl className={styles.keys}>
        {rows.map(({ name, keys, between }) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>
              {keys.map((key, index) => (
                <Fragment key={key}>
                  {index > 0 && ` ${between} `}
                  <Kbd>{key}</Kbd>
                </Fragment>
              ))}
            </dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}

const rows: readonly { name: string; keys: readonly string[]; between: string }[] = [
  { name: words.list.help, keys: ['?'], between: '' },
  { name: words.list.search, keys: ['/'], between: '' },
  ...NAV_ITEMS.map(({ label, key }) => ({
    name: words.list.go(label),
    keys: ['g', key],
    between: words.sequence,
  })),
  { name: words.list.rows, keys: ['↓', '↑', 'j', 'k'], between: words.or },
  { name: words.list.open, keys: ['Enter'], between: '' },
  { name: words.list.select, keys: ['x'], between: '' },
  { name: words.list.close, keys: ['Esc'], between: '' },
];
