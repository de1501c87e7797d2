import DPBase
import Testing

@Suite struct ElementConversionTests {
    @Test(
        "Integers truncate toward zero and are limited to their range",
        arguments: [
            (ElementType.int8, 127.5, [0x7F]), (.int8, 200, [0x7F]), (.int8, -129, [0x80]), (.int8, -3.9, [0xFD]),
            (.uint8, 255, [0xFF]), (.uint8, 300, [0xFF]), (.uint8, -1, [0]), (.uint8, 254.9, [0xFE]),
            (.int16, 1e9, [0xFF, 0x7F]), (.uint16, .infinity, [0xFF, 0xFF]), (.int32, -.infinity, [0, 0, 0, 0x80]),
            (.int64, 1e300, [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F]), (.uint64, -5, [0, 0, 0, 0, 0, 0, 0, 0]),
            (.int32, .nan, [0, 0, 0, 0]), (.bool, 0.25, [1]), (.bool, 0, [0]),
        ] as [(ElementType, Double, [UInt8])])
    func integers(type: ElementType, value: Double, bytes: [UInt8]) {
        #expect(type.encode(value) == bytes)
    }

    @Test func floatingPointRoundsToTheNearest() {
        #expect(ElementType.float32.encode(0.1) == [0xCD, 0xCC, 0xCC, 0x3D])
        #expect(ElementType.float16.encode(65_520) == [0x00, 0x7C])
        #expect(ElementType.bfloat16.encode(1.00390625) == [0x80, 0x3F], "ties go to even")
    }
}
