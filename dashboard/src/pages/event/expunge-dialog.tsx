import { useExpungeEvent } from '../../api/events';
import { texts } from '../../texts';
import { ConfirmDialog } from '../../ui/dialog';
import { Stack } from '../../ui/layout';

const words = texts.events.expunge;

/** Says what goes, what stays and what stops, since nothing brings it back. */
export function ExpungeDialog({
  id,
  onClose,
}: {
  id: string;
  onClose: () => void;
}): React.ReactNode {
  const expunge = useExpungeEvent();
  return (
    <ConfirmDialog
      isOpen
      isDangerous
      onClose={onClose}
      title={words.title}
      confirm={words.confirm}
      onConfirm={() => expunge.mutateAsync({ id })}
      description={
        <Stack isTight>
          <p>{words.gone}</p>
          <p>{words.stays}</p>
          <p>{words.stops}</p>
        </Stack>
      }
    />
  );
}
