import { useId, type InputHTMLAttributes, type Ref, type TextareaHTMLAttributes } from 'react';
import { texts } from '../texts';
import { classes } from './class-names';
import { Icon } from './icon';
import styles from './field.module.css';

interface FieldProps {
  label: string;
  help?: React.ReactNode;
  error?: string | undefined;
  isOptional?: boolean;
  /** True: the label is for screen readers only. */
  isLabelHidden?: boolean;
}

interface Wiring {
  id: string;
  'aria-invalid': true | undefined;
  'aria-describedby': string | undefined;
}

/** Label, control, help and error, tied together for screen readers. */
export function Field({
  label,
  help,
  error,
  isOptional = false,
  isLabelHidden = false,
  children,
}: FieldProps & { children: (wiring: Wiring) => React.ReactNode }): React.ReactNode {
  const id = useId();
  const helpId = `${id}-help`;
  const errorId = `${id}-error`;
  const describedBy = classes(help !== undefined && helpId, error !== undefined && errorId);
  return (
    <div className={styles.field}>
      <label htmlFor={id} className={isLabelHidden ? 'visually-hidden' : styles.label}>
        {label}
        {isOptional && <span className={styles.optional}>{texts.common.optional}</span>}
      </label>
      {children({
        id,
        'aria-invalid': error !== undefined || undefined,
        'aria-describedby': describedBy || undefined,
      })}
      {help !== undefined && (
        <div id={helpId} className={styles.help}>
          {help}
        </div>
      )}
      <FieldError id={errorId} error={error} />
    </div>
  );
}

/** Beside what is wrong; announced when it appears. `Form` gives it the focus where no field is marked. */
export function FieldError({
  id,
  error,
}: {
  id?: string;
  error: string | undefined;
}): React.ReactNode {
  return (
    <div id={id} role="alert" tabIndex={-1} className={styles.error}>
      {error !== undefined && (
        <>
          <Icon name="warning" size={14} />
          <span>{error}</span>
        </>
      )}
    </div>
  );
}

type TextFieldProps = FieldProps &
  Omit<InputHTMLAttributes<HTMLInputElement>, 'onChange' | 'value'> & {
    value: string;
    onChange: (value: string) => void;
    isCode?: boolean;
    ref?: Ref<HTMLInputElement>;
  };

export function TextField({
  label,
  help,
  error,
  isOptional,
  isLabelHidden,
  isCode = false,
  onChange,
  ...input
}: TextFieldProps): React.ReactNode {
  return (
    <Field {...{ label, help, error, isOptional, isLabelHidden }}>
      {(wiring) => (
        <input
          type="text"
          autoComplete="off"
          {...input}
          {...wiring}
          className={classes(styles.control, isCode && styles.code)}
          onChange={(event) => onChange(event.target.value)}
        />
      )}
    </Field>
  );
}

type TextAreaProps = FieldProps &
  Omit<TextareaHTMLAttributes<HTMLTextAreaElement>, 'onChange' | 'value'> & {
    value: string;
    onChange: (value: string) => void;
    isCode?: boolean;
  };

export function TextArea({
  label,
  help,
  error,
  isOptional,
  isLabelHidden,
  isCode = false,
  onChange,
  ...area
}: TextAreaProps): React.ReactNode {
  return (
    <Field {...{ label, help, error, isOptional, isLabelHidden }}>
      {(wiring) => (
        <textarea
          spellCheck={!isCode}
          {...area}
          {...wiring}
          className={classes(styles.control, styles.area, isCode && styles.code)}
          onChange={(event) => onChange(event.target.value)}
        />
      )}
    </Field>
  );
}

export const optionsOf = <const Value extends string>(
  values: readonly Value[],
  labels: Record<Value, string>,
): { value: Value; label: string }[] => values.map((value) => ({ value, label: labels[value] }));

/**
 * The browser's own: nothing else is as good with screen readers, keyboards and phones. What is chosen is listed
 * also when it is no option (any more).
 */
export function Select<Value extends string>({
  value,
  options,
  onChange,
  isDisabled = false,
  ...field
}: FieldProps & {
  value: Value;
  options: readonly { value: Value; label: string }[];
  onChange: (value: Value) => void;
  isDisabled?: boolean;
}): React.ReactNode {
  const isListed = options.some((option) => option.value === value);
  const all = isListed ? options : [...options, { value, label: value }];
  return (
    <Field {...field}>
      {(wiring) => (
        <div className={styles.selectBox}>
          <select
            {...wiring}
            className={classes(styles.control, styles.select)}
            value={value}
            disabled={isDisabled}
            onChange={(event) => onChange(event.target.value as Value)}
          >
            {all.map((option) => (
              <option key={option.value} value={option.value}>
                {option.label}
              </option>
            ))}
          </select>
          <Icon name="chevronDown" />
        </div>
      )}
    </Field>
  );
}

interface ChoiceProps {
  label: React.ReactNode;
  help?: React.ReactNode;
  isChecked: boolean;
}

/** The help is a description, not a part of the name. */
function Choice({
  label,
  help,
  children,
}: {
  label: React.ReactNode;
  help: React.ReactNode;
  children: (wiring: { id: string; 'aria-describedby'?: string }) => React.ReactNode;
}): React.ReactNode {
  const id = useId();
  const helpId = `${id}-help`;
  return (
    <div className={styles.choice}>
      {children({ id, ...(help !== undefined && { 'aria-describedby': helpId }) })}
      <label htmlFor={id}>{label}</label>
      {help !== undefined && (
        <span id={helpId} className={styles.help}>
          <bdi>{help}</bdi>
        </span>
      )}
    </div>
  );
}

export function Checkbox({
  label,
  help,
  isChecked,
  isMixed = false,
  isDisabled = false,
  onChange,
}: ChoiceProps & {
  isMixed?: boolean;
  isDisabled?: boolean;
  onChange: (isChecked: boolean) => void;
}): React.ReactNode {
  return (
    <Choice label={label} help={help}>
      {(wiring) => (
        <input
          {...wiring}
          type="checkbox"
          checked={isChecked}
          disabled={isDisabled}
          ref={(element) => {
            if (element) element.indeterminate = isMixed;
          }}
          onChange={(event) => onChange(event.target.checked)}
        />
      )}
    </Choice>
  );
}

/** One of several, which are radio buttons of one `name`. */
export function Radio({
  label,
  help,
  name,
  isChecked,
  onChange,
}: ChoiceProps & { name: string; onChange: () => void }): React.ReactNode {
  return (
    <Choice label={label} help={help}>
      {(wiring) => (
        <input {...wiring} type="radio" name={name} checked={isChecked} onChange={onChange} />
      )}
    </Choice>
  );
}

/** The page's search field; the key `/` leads to it. */
export function SearchField({
  label,
  value,
  onChange,
  placeholder,
}: {
  label: string;
  value: string;
  onChange: (value: string) => void;
  placeholder?: string;
}): React.ReactNode {
  return (
    <div className={styles.search}>
      <Icon name="search" />
      <input
        type="search"
        data-search=""
        aria-label={label}
        placeholder={placeholder ?? label}
        className={styles.control}
        autoComplete="off"
        spellCheck={false}
        value={value}
        onChange={(event) => onChange(event.target.value)}
        onKeyDown={(event) => {
          // Only a form for searching is meant by it.
          const isMeant = event.currentTarget.form?.getAttribute('role') === 'search';
          if (event.key === 'Enter' && !isMeant) event.preventDefault();
        }}
      />
    </div>
  );
}
