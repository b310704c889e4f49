export { default as exportProcessor, exports } from './export.ts'
export { default as importProcessor, imports } from './import.ts'
