import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { texts } from '../texts';
import { SearchField } from '../ui/field';

/** Finds anything of the project, from any page; what was found is shown by the page of events. */
export function Find({ onAsked }: { onAsked: () => void }): React.ReactNode {
  const navigate = useNavigate();
  const [text, setText] = useState('');
  return (
    <form
      role="search"
      aria-label={texts.app.find.label}
      onSubmit={(event) => {
        event.preventDefault();
        const q = text.trim();
        if (q === '') return;
        setText('');
        onAsked();
        void navigate({ to: '/events', search: { q } });
      }}
    >
      <SearchField
        label={texts.app.find.label}
        placeholder={texts.app.find.placeholder}
        value={text}
        onChange={setText}
      />
    </form>
  );
}
