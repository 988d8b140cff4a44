export { type ConnectWishes, connect } from './app/connect.js'
export { type Context, openContext } from './app/context.js'
export { disconnect } from './app/disconnect.js'
export { type Status, status } from './app/status.js'
