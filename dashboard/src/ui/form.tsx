import { useEffect, useReducer, useRef } from 'react';

/** Marked as wrong, or what is said beside a group of fields. */
const WRONG = '[aria-invalid="true"], [role="alert"][tabindex]:not(:empty)';

/** A form whose fields say what is wrong with them, rather than the browser; the first that is wrong gets the focus. */
export function Form({
  onSubmit,
  ...form
}: Omit<React.ComponentProps<'form'>, 'noValidate' | 'onInput' | 'onSubmit' | 'ref'> & {
  onSubmit: () => void;
}): React.ReactNode {
  const element = useRef<HTMLFormElement>(null);
  const isSubmitted = useRef(false);
  const [, lookAgain] = useReducer((looks: number) => looks + 1, 0);
  // What the API refuses is marked later than what is found here.
  useEffect(() => {
    const wrong = isSubmitted.current && element.current?.querySelector<HTMLElement>(WRONG);
    if (!wrong) return;
    isSubmitted.current = false;
    wrong.focus();
  });
  return (
    <form
      {...form}
      ref={element}
      noValidate
      onInput={() => {
        // Nobody is taken away from what they write.
        isSubmitted.current = false;
      }}
      onSubmit={(event) => {
        event.preventDefault();
        isSubmitted.current = true;
        lookAgain();
        onSubmit();
      }}
    />
  );
}
