/** A form whose fields say what is wrong with them, rather than the browser. */
export function Form({
  onSubmit,
  ...form
}: Omit<React.ComponentProps<'form'>, 'noValidate' | 'onSubmit'> & {
  onSubmit: () => void;
}): React.ReactNode {
  return (
    <form
      {...form}
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        onSubmit();
      }}
    />
  );
}
