import { useTypesToFind } from '../api/webhooks';
import { Select } from './field';

/** Chooses one of the event types by which events and deliveries are found. */
export function TypeField({
  any,
  ...field
}: {
  label: string;
  isLabelHidden?: boolean;
  /** Empty: any of them. */
  value: string;
  /** What that is called. */
  any: string;
  onChange: (type: string) => void;
}): React.ReactNode {
  const types = useTypesToFind();
  return (
    <Select
      {...field}
      options={[{ value: '', label: any }, ...types.map((type) => ({ value: type, label: type }))]}
    />
  );
}
