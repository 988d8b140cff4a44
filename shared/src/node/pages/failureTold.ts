import { codeOf, failureOf } from '../report/failure.js'
import { jsonSchema } from '../report/json.js'

/** What failed before a command was asked, as a command says it. */
export const failureTold = (error: Error): object => ({
  schema: jsonSchema,
  error: failureOf(codeOf(error), error.message),
})
