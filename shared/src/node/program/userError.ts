/** A failure whose message is one sentence for the person at the keyboard; printed without a stack. */
export class UserError extends Error {
  override name = 'UserError'
}
