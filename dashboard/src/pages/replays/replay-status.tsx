import type { Replay } from '../../api/types';
import { texts } from '../../texts';
import { Badge, type Tone } from '../../ui/badge';
import type { IconName } from '../../ui/icon';
import { Progress } from '../../ui/progress';

const words = texts.replays;

const LOOK: Record<Replay['status'], { tone: Tone; icon: IconName }> = {
  running: { tone: 'info', icon: 'play' },
  paused: { tone: 'warning', icon: 'pause' },
  completed: { tone: 'success', icon: 'success' },
  cancelled: { tone: 'neutral', icon: 'ban' },
};

export function ReplayBadge({ status }: { status: Replay['status'] }): React.ReactNode {
  return <Badge {...LOOK[status]}>{words.status[status]}</Badge>;
}

export function ReplayProgress({
  replay: { replayed, failed, matched },
}: {
  replay: Replay;
}): React.ReactNode {
  const done = replayed + failed;
  return (
    <Progress
      label={words.progressLabel}
      done={done}
      of={matched}
      text={words.progress(done, matched)}
    />
  );
}
