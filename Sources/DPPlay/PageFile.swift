/// A file of the page, embedded in the program so that nothing has to be located or downloaded.
package struct PageFile: Sendable, Equatable {
    /// The MIME type of the contents.
    package let contentType: String
    /// The contents.
    package let bytes: [UInt8]

    private init(_ contentType: String, _ bytes: [UInt8]) {
        self.contentType = contentType
        self.bytes = bytes
    }

    private static func script(_ bytes: [UInt8]) -> PageFile { PageFile("text/javascript; charset=utf-8", bytes) }

    /// All files, keyed by request path.
    package static let all: [String: PageFile] = [
        "/": PageFile("text/html; charset=utf-8", PackageResources.index_html),
        "/style.css": PageFile("text/css; charset=utf-8", PackageResources.style_css),
        "/main.js": script(PackageResources.main_js),
        "/connection.js": script(PackageResources.connection_js),
        "/controls.js": script(PackageResources.controls_js),
        "/motion.js": script(PackageResources.motion_js),
        "/painter.js": script(PackageResources.painter_js),
        "/plot.js": script(PackageResources.plot_js),
        "/pointer-input.js": script(PackageResources.pointer_input_js),
        "/theme.js": script(PackageResources.theme_js),
    ]
}
