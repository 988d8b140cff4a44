import { UserError } from './userError.js'

/** What a program has opened, to be closed in reverse order: whatever was opened last may rely on what was before. */
export class Closers {
  readonly #opened: { readonly name: string; readonly close: () => unknown }[] = []
  #closing: Promise<void> | undefined

  /** Adds something to close. What is added while the rest closes is closed too. */
  add(name: string, close: () => unknown): void {
    this.#opened.push({ name, close })
  }

  /**
   * Adds what was just opened, and hands it on.
   *
   * @example
   * const chain = closers.opened('chain', await openChain(options))
   */
  opened<Opened extends { close(): unknown }>(name: string, thing: Opened): Opened {
    this.add(name, () => thing.close())
    return thing
  }

  /**
   * Closes everything, each once and whatever the others do. A second call waits for the first.
   *
   * @throws AggregateError naming each one that could not be closed, with its reason, after all were tried.
   */
  close(): Promise<void> {
    this.#closing ??= this.#closeAll().finally(() => {
      this.#closing = undefined
    })
    return this.#closing
  }

  async #closeAll(): Promise<void> {
    const failures: Error[] = []
    for (let next = this.#opened.pop(); next; next = this.#opened.pop()) {
      try {
        await next.close()
      } catch (cause) {
        failures.push(new Error(`${next.name}: ${(cause as Error)?.message ?? cause}`, { cause }))
      }
    }
    if (failures.length > 0)
      throw new AggregateError(
        failures,
        `Not everything could be closed: ${failures.map(({ message }) => message).join('; ')}`,
      )
  }
}

/**
 * Runs `work` with a stack of closers, and closes them however it ends.
 *
 * @throws What `work` threw; where closing failed too, one error that says both.
 */
export async function withClosers<Result>(work: (closers: Closers) => Promise<Result>): Promise<Result> {
  const closers = new Closers()
  let result: Result
  try {
    result = await work(closers)
  } catch (error) {
    await closers.close().catch((failed: AggregateError) => {
      throw joined(error as Error, failed)
    })
    throw error
  }
  await closers.close()
  return result
}

function joined(error: Error, failed: AggregateError): Error {
  const message = `${error.message} ${failed.message}`
  return error instanceof UserError
    ? new UserError(message, { cause: error })
    : new AggregateError([error, ...failed.errors], message, { cause: error })
}
