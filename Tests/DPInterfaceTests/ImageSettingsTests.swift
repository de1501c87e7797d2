import DPInterface
import Testing

/// Warnings about image settings, and suggested settings.
@Suite struct ImageSettingsTests {
    private let wide = ImageSize(height: 480, width: 640)

    @Test(arguments: [
        (480, 640, "resize: [96, 128], crop: [84, 112]"), (96, 96, "resize: null, crop: [84, 84]"),
        (720, 1280, "resize: [96, 171], crop: [84, 149]"), (32, 32, "resize: [96, 96], crop: [84, 84]"),
        (128, 128, "resize: null, crop: [112, 112]"), (640, 480, "resize: [128, 96], crop: [112, 84]"),
    ])
    func settingsAreSuggested(height: Int, width: Int, expected: String) throws {
        let selection = ImageSelection(suggestedFor: "cam", of: ImageSize(height: height, width: width))
        #expect(selection.settings == expected)
        #expect(selection.warnings.isEmpty)
        try selection.validate()
    }

    @Test func aCropUnderAQuarterIsOdd() {
        func warnings(_ height: Int, _ width: Int, resize: ImageSize? = nil) -> [String] {
            ImageSelection(
                "cam", size: wide, resize: resize, crop: ImageSize(height: height, width: width)
            ).warnings
        }
        #expect(warnings(84, 84)[0].contains("covers 2 % of the 480×640 image"))
        #expect(warnings(84, 84)[0].hasSuffix("resize is missing, such as resize: [96, 128], crop: [84, 112]"))
        #expect(warnings(240, 319).count == 1)
        #expect(warnings(240, 320).isEmpty)
        let small = ImageSize(height: 96, width: 128)
        #expect(warnings(40, 40, resize: small)[0].contains("covers 13 % of the 96×128 image"))
        #expect(warnings(84, 112, resize: small).isEmpty)
        #expect(ImageSelection("cam", crop: ImageSize(height: 8, width: 8)).warnings.isEmpty)
    }

    @Test func aResizeThatChangesTheAspectIsOdd() {
        func warnings(_ height: Int, _ width: Int) -> [String] {
            ImageSelection("cam", size: wide, resize: ImageSize(height: height, width: width)).warnings
        }
        #expect(warnings(96, 96)[0].contains("changes the aspect by a factor of 1.33"))
        #expect(warnings(96, 128).isEmpty)
        #expect(warnings(97, 128).isEmpty)
        #expect(warnings(96, 120).count == 1)
        #expect(warnings(96, 136).count == 1)
    }
}
