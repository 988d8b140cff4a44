/** A failure whose message is one sentence for the person at the keyboard; printed without a stack. */
export class UserError extends Error {
  override name = 'UserError'
  /** What kind of failure, for programs that read it; left out: `refused`, or the code of the refusal that is the cause. */
  readonly code: string | undefined
  constructor(sentence: string, options?: ErrorOptions & { readonly code?: string }) {
    super(sentence, options)
    this.code = options?.code
  }
}
