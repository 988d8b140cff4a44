import { AsyncLocalStorage } from 'node:async_hooks'

const current = new AsyncLocalStorage<string>()

/** Does the work of one request: every line that is logged meanwhile, however deep, carries its id. */
export const inRequest = <Result>(id: string, work: () => Result): Result => current.run(id, work)

/** The id of the request whose work this is, if it is any's. */
export const requestId = (): string | undefined => current.getStore()
