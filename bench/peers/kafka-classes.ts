import { mavenJars } from '../install/index.ts'

/** The class path of Kafka's server and tools, from its published jars. */
export const kafkaClasses = (): Promise<string> => mavenJars('kafka', new URL('./kafka.pom.xml', import.meta.url))
