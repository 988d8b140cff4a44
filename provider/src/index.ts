export type { Parts } from './app/parts.js'
export { type Serving, serve } from './app/serve.js'
export type { Settings } from './app/settings.js'
