import { Component, type ReactNode } from 'react';
import { texts } from '../texts';
import { Button } from '../ui/button';
import { CodeBlock } from '../ui/copy';
import { EmptyState } from '../ui/layout';
import { Alone } from './alone';

/** What is shown where a page could not be. */
export function Crashed({ error }: { error: unknown }): ReactNode {
  const words = texts.app.crashed;
  const message = error instanceof Error ? error.message : String(error);
  const isStale = /dynamically imported module|module script failed|unable to preload/i.test(
    message,
  );
  return (
    <EmptyState
      isPage
      icon="warning"
      title={words.title}
      actions={
        <Button kind="primary" onClick={() => location.reload()}>
          {words.reload}
        </Button>
      }
    >
      {isStale ? (
        words.stale
      ) : (
        <>
          <p>{words.advice}</p>
          <CodeBlock label={words.title} code={message} isWrapped />
        </>
      )}
    </EmptyState>
  );
}

/** Around everything that the router does not catch. */
export class ErrorBoundary extends Component<{ children: ReactNode }, { error: unknown }> {
  override state: { error: unknown } = { error: null };

  static getDerivedStateFromError(error: unknown): { error: unknown } {
    return { error };
  }

  override render(): ReactNode {
    if (this.state.error === null) return this.props.children;
    return (
      <Alone>
        <Crashed error={this.state.error} />
      </Alone>
    );
  }
}
