import { useState } from "react";
import { account } from "../../api/people";
import { Button } from "../../kit/parts";
import { entryText as words } from "../../text/people";
import { askPasskey } from "../../widgets/passkey";
import { problemWords } from "../../widgets/ProblemBox";

/** One button: the device proves who is there, and nothing is typed. */
export function PasskeySignIn({ onDone }: { readonly onDone: () => void }) {
  const [fault, setFault] = useState("");
  const signIn = async () => {
    setFault("");
    const begun = await account.beginSignIn();
    if (!begun.ok) {
      if (begun.problem !== null) setFault(problemWords(begun.problem));
      return;
    }
    const credential = await askPasskey(begun.value.options);
    if (credential === null) {
      setFault(words.passkeyCancelled);
      return;
    }
    const answer = await account.signInByPasskey(begun.value.ticket, credential);
    if (answer.ok) onDone();
    else if (answer.problem !== null) setFault(problemWords(answer.problem));
  };
  return (
    <>
      <Button onClick={() => void signIn()} testId="passkey-sign-in">
        {words.passkey}
      </Button>
      {fault !== "" && (
        <p className="field-error" role="alert">
          {fault}
        </p>
      )}
    </>
  );
}
