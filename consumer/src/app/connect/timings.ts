/** What is done until traffic flows, in order. */
export const steps = ['program', 'chain', 'offers, channel and key', 'agreement', 'tunnel'] as const
export type Step = (typeof steps)[number]

/** Notes that a step is done. Of later sessions only what they do again is noted anew. */
export function stepDone(step: Step): void {
  performance.clearMarks(step)
  performance.mark(step)
}

/** Milliseconds that each step took, the first counted from when this process began. */
export function stepsMs(): Partial<Record<Step, number>> {
  const marks = steps.flatMap((step) => performance.getEntriesByName(step, 'mark'))
  return Object.fromEntries(
    marks.map(({ name, startTime }, index) => [
      name,
      Math.round(startTime - (marks[index - 1]?.startTime ?? 0)),
    ]),
  )
}
