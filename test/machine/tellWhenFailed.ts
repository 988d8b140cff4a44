import { beforeEach, onTestFailed } from 'vitest'

/** Prints, as soon as a test of this file fails, why it did, and what else there is to say. */
export const tellWhenFailed = (says: () => Promise<string>): void => {
  beforeEach(() =>
    onTestFailed(async ({ task }) => {
      const because = task.result?.errors?.map(({ message }) => message) ?? []
      console.error([...because, await says().catch(String)].join('\n'))
    }),
  )
}
