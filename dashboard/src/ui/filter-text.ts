import { useEffect, useRef, useState } from 'react';

/** What is typed into a field of a filter, which asks for it later, and follows what else changes the filter. */
export function useFilterText(
  value: string,
  onChange: (value: string) => void,
): { text: string; setText: (text: string) => void; ask: (text: string) => void } {
  const [text, setText] = useState(value);
  const asked = useRef(value);
  useEffect(() => {
    // Changed by something else, such as a button that clears all filters. What the field itself has asked for
    // comes back later, when more may have been typed.
    if (value !== asked.current) setText(value);
    asked.current = value;
  }, [value]);
  const ask = (next: string): void => {
    if (next === asked.current) return;
    asked.current = next;
    onChange(next);
  };
  return { text, setText, ask };
}
