/** Whether the wizard was put off in this window; it comes again with the next signing in. */

const LEFT = "civiscope.firstrun.left";

export function leaveFirstRun(): void {
  sessionStorage.setItem(LEFT, "1");
}

export function resumeFirstRun(): void {
  sessionStorage.removeItem(LEFT);
}

export function isFirstRunLeft(): boolean {
  return sessionStorage.getItem(LEFT) !== null;
}
