export * from './channelState.js'
export * from './clearFrame.js'
export * from './clock.js'
export * from './documents.js'
export * from './metering.js'
export * as money from './money.js'
export * from './order.js'
export * from './pricing.js'
export * from './printable.js'
export {
  acceptedFrameBytes,
  decodeAccepted,
  decodePromise,
  encodeAccepted,
  encodePromise,
  frameKind,
  type PromiseFrame,
  promiseFrameBytes,
  writeAmount,
  writeHex,
} from './promiseFrame.js'
export * from './quantity.js'
export * from './refusal.js'
export * from './serialQueue.js'
export * from './tunnelMtu.js'
export * from './units.js'
export * from './wire.js'
export { signed as signedSchema } from './wireFields.js'
