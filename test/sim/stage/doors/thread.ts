import { takeStarting } from './workerThreads.js'

/** What a thread's module sees of itself; loaded anew for each. */
const own = takeStarting()
export const parentPort = own?.port
export const workerData = own?.data
