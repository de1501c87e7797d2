#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

func logarithm(_ x: Float) -> Float { log(x) }
func cosine(_ x: Float) -> Float { cos(x) }
func sine(_ x: Float) -> Float { sin(x) }
