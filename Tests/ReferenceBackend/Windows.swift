import DPGraph

extension Convolution2D {
    /// Calls `body` for every window and kernel position that lies inside of an image, with the indices of the
    /// pixel, the window and the kernel position, each counted row by row.
    /// - Parameters:
    ///   - image: `[batch, height, width, channel]`.
    ///   - windows: the windows over it, `[batch, rows, columns, channel]`.
    func forEachTap(image: Shape, windows: Shape, _ body: (_ pixel: Int, _ window: Int, _ tap: Int) -> Void) {
        for batch in 0..<image[0] {
            for row in 0..<windows[1] {
                for column in 0..<windows[2] {
                    let window = (batch * windows[1] + row) * windows[2] + column
                    for tapRow in 0..<height.kernel {
                        let y = row * height.stride + tapRow - height.padding
                        guard (0..<image[1]).contains(y) else { continue }
                        for tapColumn in 0..<width.kernel {
                            let x = column * width.stride + tapColumn - width.padding
                            guard (0..<image[2]).contains(x) else { continue }
                            body((batch * image[1] + y) * image[2] + x, window, tapRow * width.kernel + tapColumn)
                        }
                    }
                }
            }
        }
    }
}
