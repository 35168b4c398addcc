import { useState } from "react";
import { Button } from "../kit/parts";
import { peopleText as words } from "../text/people";

/** Something to copy by hand or by button: a code, a token, a fingerprint. */
export function CopyBox({ text, testId }: { readonly text: string; readonly testId?: string }) {
  const [isCopied, setCopied] = useState(false);
  const copy = () => {
    void navigator.clipboard.writeText(text).then(
      () => setCopied(true),
      () => setCopied(false),
    );
  };
  return (
    <div className="copy-box">
      <code data-testid={testId}>{text}</code>
      <Button onClick={copy}>{isCopied ? words.copied : words.copy}</Button>
    </div>
  );
}
