import { useEffect } from 'react';
import { SearchField } from './field';
import { useFilterText } from './filter-text';

const CALM_MS = 250;

interface Props {
  label: string;
  placeholder?: string;
  /** What is asked for. */
  value: string;
  onChange: (value: string) => void;
}

/** A search that is asked for when somebody stops typing, not at each letter. */
export function SearchFilter({ label, placeholder, value, onChange }: Props): React.ReactNode {
  const { text, setText, ask } = useFilterText(value, onChange);
  useEffect(() => {
    const timer = setTimeout(() => ask(text.trim()), CALM_MS);
    return () => clearTimeout(timer);
  });
  return <SearchField {...{ label, placeholder }} value={text} onChange={setText} />;
}

/** One that is asked for with Enter, or by emptying it. */
export function SearchForm({
  label,
  placeholder,
  value,
  onChange,
  onSubmit,
}: Props & {
  /** Instead of asking for it: true if it has led elsewhere. */
  onSubmit?: (text: string) => boolean;
}): React.ReactNode {
  const { text, setText, ask } = useFilterText(value, onChange);
  return (
    <form
      role="search"
      onSubmit={(event) => {
        event.preventDefault();
        const wanted = text.trim();
        if (onSubmit?.(wanted)) return;
        setText(wanted);
        ask(wanted);
      }}
    >
      <SearchField
        {...{ label, placeholder }}
        value={text}
        onChange={(next) => {
          setText(next);
          if (next === '') ask('');
        }}
      />
    </form>
  );
}
