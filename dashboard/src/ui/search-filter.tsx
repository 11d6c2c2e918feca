import { useEffect, useRef, useState } from 'react';
import { SearchField } from './field';

const CALM_MS = 250;

/** A search that is asked for when somebody stops typing, not at each letter. */
export function SearchFilter({
  label,
  placeholder,
  value,
  onChange,
}: {
  label: string;
  placeholder?: string;
  /** What is asked for. */
  value: string;
  onChange: (value: string) => void;
}): React.ReactNode {
  const [text, setText] = useState(value);
  const asked = useRef(value);
  useEffect(() => {
    // Changed by something else, such as a button that clears all filters.
    if (value !== asked.current) setText(value);
    asked.current = value;
  }, [value]);
  useEffect(() => {
    const next = text.trim();
    if (next === asked.current) return undefined;
    const timer = setTimeout(() => {
      asked.current = next;
      onChange(next);
    }, CALM_MS);
    return () => clearTimeout(timer);
  }, [text, onChange]);
  return <SearchField {...{ label, placeholder }} value={text} onChange={setText} />;
}
